"""FVT: what each request must answer, over real HTTP."""

import http.client
import json
import threading
import unittest
from urllib.parse import quote

from hello_service.app import LONGEST_NAME, Server


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        threading.Thread(target=cls.server.serve_forever, args=(0.01,), daemon=True).start()
        cls.connection = http.client.HTTPConnection("127.0.0.1", cls.server.server_port, timeout=5)

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()
        cls.server.shutdown()
        cls.server.server_close()

    def get(self, target):
        self.connection.request("GET", target)
        response = self.connection.getresponse()
        return response.status, json.load(response)

    def test_greets_the_world_when_no_name_is_given(self):
        self.assertEqual(self.get("/hello"), (200, {"greeting": "Hello, world!"}))

    def test_greets_by_name(self):
        self.assertEqual(self.get("/hello?name=Ada"), (200, {"greeting": "Hello, Ada!"}))

    def test_greets_names_of_all_scripts(self):
        self.assertEqual(self.get("/hello?name=" + quote("Čapek 李")), (200, {"greeting": "Hello, Čapek 李!"}))

    def test_refuses_a_name_that_is_too_long(self):
        status, body = self.get("/hello?name=" + "x" * (LONGEST_NAME + 1))
        self.assertEqual(status, 400)
        self.assertIn(str(LONGEST_NAME), body["error"])

    def test_refuses_a_name_of_blanks(self):
        self.assertEqual(self.get("/hello?name=%20")[0], 400)

    def test_tells_its_health_and_version(self):
        status, body = self.get("/healthz")
        self.assertEqual((status, body["status"]), (200, "ok"))
        self.assertRegex(body["version"], r"^\d+\.\d+\.\d+$")

    def test_names_the_paths_that_are_here_when_another_is_asked_for(self):
        status, body = self.get("/helo")
        self.assertEqual(status, 404)
        self.assertIn("/hello", body["error"])


if __name__ == "__main__":
    unittest.main()
