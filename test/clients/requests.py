"""Clients in Python, for programs_test.sh: plain sockets, TLS, threads and asyncio."""
import asyncio
import concurrent.futures
import os
import socket
import ssl
import urllib.request

REDIS = ("127.0.0.1", int(os.environ["REDIS_PORT"]))
HTTPS = f"https://127.0.0.1:{os.environ['HTTPS_PORT']}/file/numbers"


def redis_by_socket(number):
    with socket.create_connection(REDIS, timeout=30) as connection, connection.makefile("rb") as lines:
        connection.sendall(b"SET python:%d %d\r\nGET python:%d\r\n" % (number, number * 3, number))
        return [lines.readline() for _ in range(3)]


def page_by_tls():
    context = ssl.create_default_context(cafile=os.environ["CERTIFICATE"])
    with urllib.request.urlopen(HTTPS, context=context, timeout=30) as page:
        return page.read()


async def redis_by_asyncio(number):
    reader, writer = await asyncio.open_connection(*REDIS)
    writer.write(b"GET python:%d\r\n" % number)
    answer = [await reader.readline() for _ in range(2)]
    writer.close()
    await writer.wait_closed()
    return answer


async def many_by_asyncio():
    return await asyncio.gather(*(redis_by_asyncio(i) for i in range(50)))


print([redis_by_socket(i) for i in range(20)])
with concurrent.futures.ThreadPoolExecutor(10) as threads:
    print(list(threads.map(redis_by_socket, range(50))))
print(asyncio.run(many_by_asyncio()))
print(page_by_tls()[:40])
