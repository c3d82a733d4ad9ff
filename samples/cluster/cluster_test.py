"""Kills and restarts servers behind a proxy, under load with every byte checked.

  cluster_test.py ECHO_SERVER LOAD_TEST
"""

import json
import signal
import sys
import unittest

from cluster import SERVERS, Cluster
from processes import wait_until

CONNECTIONS = 40
SHARE = CONNECTIONS // SERVERS  # of each server: the proxy gives the next to whom has fewest
ECHO_SERVER, LOAD_TEST = sys.argv[1:3]


class Load:
    """A load that goes on until it is told to end."""

    def __init__(self, cluster, name="load"):
        self._program = cluster.start(name, [
            LOAD_TEST, "--json", "--verify", "--port", cluster.port, "--connections", CONNECTIONS,
            "--warmup", 0, "--duration", 600, "--message-bytes", 200])

    def end(self):
        """Returns its figures, after the replies to all that it has sent."""
        self._program.signal(signal.SIGINT)
        self._program.wait()
        output = self._program.output
        return json.loads(output[output.index("{"):output.rindex("}") + 1])


class ClusterTest(unittest.TestCase):
    """What clients notice of it."""

    def wait_for_connections(self, cluster, number):
        """Until so many clients are connected, all the way to a server."""

        def are_there():
            clients, to_servers = cluster.connections()
            return clients == number and sum(to_servers) >= number

        # The proxy's own questions are among them, but come and go.
        for _ in range(5):
            wait_until(are_there, f"{number} connections reach a server")

    def start_load(self, cluster, name, beside=0):
        load = Load(cluster, name)
        self.wait_for_connections(cluster, beside + CONNECTIONS)
        return load

    def expect_no_loss(self, figures):
        self.assertEqual(figures["complaint"], "")
        self.assertEqual(figures["connections"]["established"], CONNECTIONS)
        self.assertEqual(figures["connections"]["lost"], 0)
        self.assertGreater(figures["messages"], CONNECTIONS)

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
        cluster.servers[1].signal(signal.SIGKILL)
        left = CONNECTIONS - SHARE
        self.wait_for_connections(cluster, left)
        # Whether the proxy knows it yet or not: they are sent elsewhere.
        self.expect_no_loss(self.start_load(cluster, "after", beside=left).end())
        self.wait_for_connections(cluster, left)
        return load

    def test_a_killed_server_takes_its_own_connections_and_no_others(self):
        with Cluster("haproxy", ECHO_SERVER) as cluster:
            load = self.kill_one_under_load(cluster)
            wait_until(lambda: cluster.server_states()[1]["status"] == "DOWN",
                       "the proxy finds the server dead")
            before = cluster.server_states()[1]["stot"]
            late = self.start_load(cluster, "late", beside=CONNECTIONS - SHARE)
            self.assertEqual(cluster.server_states()[1]["stot"], before, "it is not tried any more")
            self.expect_no_loss(late.end())
            self.expect_loss(load.end(), SHARE)

    def test_the_same_with_nginx(self):
        with Cluster("nginx", ECHO_SERVER) as cluster:
            self.expect_loss(self.kill_one_under_load(cluster).end(), SHARE)

    def test_servers_are_restarted_one_by_one_and_nobody_notices(self):
        with Cluster("haproxy", ECHO_SERVER) as cluster:
            load = self.start_load(cluster, "load")
            old = []
            for index in range(SERVERS):
                old.append(cluster.restart_server(index))
                new = self.start_load(cluster, f"new{index}", beside=CONNECTIONS)
                self.expect_no_loss(new.end())
                cluster.wait_until_all_are_well()
            self.assertTrue(all(server.is_running for server in old), "they serve until the end")
            self.expect_no_loss(load.end())
            # Nobody is connected to them any more.
            self.assertEqual([server.wait() for server in old], [0] * SERVERS)
            self.expect_no_loss(self.start_load(cluster, "last").end())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
