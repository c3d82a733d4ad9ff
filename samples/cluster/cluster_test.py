"""Kills and restarts servers behind a proxy, under load with every byte checked.

  cluster_test.py ECHO_SERVER HTTP_SERVER LOAD_TEST
"""

import http.client
import json
import signal
import sys
import threading
import unittest

from cluster import SERVERS, Cluster
from processes import wait_until

CONNECTIONS = 40
SHARE = CONNECTIONS // SERVERS  # of each server: the proxy gives the next to whom has fewest
*PATHS, LOAD_TEST = sys.argv[1:4]


def cluster_behind(proxy):
    return Cluster(proxy, dict(zip(("echo", "http"), PATHS)))


class EchoLoad:
    """Connections that echo until they are told to end."""

    def __init__(self, cluster, name):
        self._program = cluster.start(name, [
            LOAD_TEST, "--json", "--verify", "--port", cluster.port("echo"),
            "--connections", CONNECTIONS, "--warmup", 0, "--duration", 600,
            "--message-bytes", 200])

    def end(self):
        """Returns the figures, after the replies to all that was sent."""
        self._program.signal(signal.SIGINT)
        self._program.wait()
        output = self._program.output
        return json.loads(output[output.index("{"):output.rindex("}") + 1])


class HttpLoad:
    """Requests, one after the other on each of some connections, until they are told to end."""

    CONNECTIONS = 4

    def __init__(self, cluster):
        self._port = cluster.port("http")
        self._end = threading.Event()
        self.good = [0] * self.CONNECTIONS
        self.bad = []
        self._threads = [threading.Thread(target=self._ask, args=[number])
                         for number in range(self.CONNECTIONS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._end.is_set():
            try:
                connection.request("GET", "/hello")
                response = connection.getresponse()
                answer = response.status, response.read()
            except (OSError, http.client.HTTPException) as error:
                answer = error
                connection.close()
            if answer == (200, b"hello\n"):
                self.good[number] += 1
            else:
                self.bad.append(answer)
        connection.close()

    def wait_for_more(self):
        """Until each connection has had ten more answers, from whichever servers there are."""
        before = list(self.good)
        wait_until(lambda: self.bad or all(now >= then + 10 for now, then in zip(self.good, before)),
                   "requests are answered")

    def end(self):
        """Returns the answers that were not right."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        return self.bad


class EchoTest(unittest.TestCase):
    """What clients with long connections notice of it."""

    def wait_for_connections(self, cluster, number):
        """Until so many clients are connected, all the way to a server."""

        def are_there():
            clients, to_servers = cluster.connections("echo")
            return clients == number and sum(to_servers) >= number

        # The proxy's own questions are among them, but come and go.
        for _ in range(5):
            wait_until(are_there, f"{number} connections reach a server")

    def start_load(self, cluster, name, beside=0):
        load = EchoLoad(cluster, name)
        self.wait_for_connections(cluster, beside + CONNECTIONS)
        return load

    def expect_no_loss(self, figures):
        self.assertEqual(figures["complaint"], "")
        self.assertEqual(figures["connections"]["established"], CONNECTIONS)
        self.assertEqual(figures["connections"]["lost"], 0)

    def expect_that_new_ones_are_served(self, cluster, name, beside=0):
        """New connections come beside those there are, echo, and go."""

        def have_echoed():
            figures = self.start_load(cluster, name, beside).end()
            self.expect_no_loss(figures)
            self.wait_for_connections(cluster, beside)
            # On a busy machine it may have been told to end before it began.
            return figures["messages"] >= CONNECTIONS

        wait_until(have_echoed, "new connections echo")

    def expect_loss(self, figures, number):
        """So many connections have ended, each in one way, and all others have gone on."""
        errors = figures["errors"]
        self.assertEqual(figures["connections"]["established"], CONNECTIONS)
        self.assertEqual(figures["connections"]["lost"], number)
        self.assertEqual(errors["closed"] + errors["reset"], number, errors)
        self.assertEqual(sum(errors.values()), number, errors)

    def kill_one_under_load(self, cluster):
        """One server dies under load; the figures are those of the connections of before."""
        load = self.start_load(cluster, "before")
        cluster.servers["echo"][1].signal(signal.SIGKILL)
        left = CONNECTIONS - SHARE
        self.wait_for_connections(cluster, left)
        # Whether the proxy knows it yet or not: they are sent elsewhere.
        self.expect_that_new_ones_are_served(cluster, "after", beside=left)
        return load

    def test_a_killed_server_takes_its_own_connections_and_no_others(self):
        with cluster_behind("haproxy") as cluster:
            load = self.kill_one_under_load(cluster)
            wait_until(lambda: cluster.server_states()["echo2"]["status"] == "DOWN",
                       "the proxy finds the server dead")
            before = cluster.server_states()["echo2"]["stot"]
            self.expect_that_new_ones_are_served(cluster, "late", beside=CONNECTIONS - SHARE)
            self.assertEqual(cluster.server_states()["echo2"]["stot"], before, "it is not tried")
            self.expect_loss(load.end(), SHARE)

    def test_the_same_with_nginx(self):
        with cluster_behind("nginx") as cluster:
            self.expect_loss(self.kill_one_under_load(cluster).end(), SHARE)

    def test_servers_are_restarted_one_by_one_and_nobody_notices(self):
        with cluster_behind("haproxy") as cluster:
            load = self.start_load(cluster, "load")
            old = []
            for index in range(SERVERS):
                old.append(cluster.restart_server("echo", index))
                self.expect_that_new_ones_are_served(cluster, f"new{index}", beside=CONNECTIONS)
                cluster.wait_until_all_are_well()
            self.assertTrue(all(server.is_running for server in old), "they serve until the end")
            figures = load.end()
            self.expect_no_loss(figures)
            self.assertGreater(figures["messages"], CONNECTIONS)
            # Nobody is connected to them any more.
            self.assertEqual([server.wait() for server in old], [0] * SERVERS)
            self.expect_that_new_ones_are_served(cluster, "last")


class HttpTest(unittest.TestCase):
    """What clients that ask and are answered notice of it: nothing."""

    def kill_and_restart(self, cluster, knows_of_it):
        """One server dies; another is replaced, when the proxy `knows_of_it`."""
        load = HttpLoad(cluster)
        try:
            load.wait_for_more()
            cluster.servers["http"][1].signal(signal.SIGKILL)
            load.wait_for_more()
            wait_until(knows_of_it, "the proxy finds the server dead")
            self.assertEqual(cluster.restart_server("http", 2).wait(), 0)
            load.wait_for_more()
        finally:
            bad = load.end()
        self.assertEqual(bad, [])

    def test_with_haproxy(self):
        with cluster_behind("haproxy") as cluster:
            self.kill_and_restart(
                cluster, lambda: cluster.server_states()["http2"]["status"] == "DOWN")

    def test_with_nginx(self):
        with cluster_behind("nginx") as cluster:
            self.kill_and_restart(cluster, lambda: True)  # it has been refused, and needs no more


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
