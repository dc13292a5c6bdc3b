#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An https server on the loopback for lists of revocations.

    list-server.py FOLDER CERT KEY PORT-FILE

Serves the folder's files. /to-http/X redirects to http, /to-https/X to https, /loop to
itself, /endless never stops, /large says that it is large, /short ends too early.
"""
import http.server
import os
import socketserver
import ssl
import sys

folder, cert, key, port_file = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def redirect(self, where):
        self.send_response(302)
        self.send_header("Location", where)
        self.end_headers()

    def endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b" " * 65536)
        except OSError:
            pass

    def sized(self, size, body):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        here = "127.0.0.1:%d" % self.server.server_address[1]
        first, _, rest = self.path[1:].partition("/")
        if first == "to-http":
            self.redirect("http://%s/%s" % (here, rest))
        elif first == "to-https":
            self.redirect("https://%s/%s" % (here, rest))
        elif first == "loop":
            self.redirect("https://%s/loop" % here)
        elif first == "endless":
            self.endless()
        elif first == "large":
            self.sized(1 << 40, b"{}")
        elif first == "short":
            self.sized(1000, b"{}")
        else:
            try:
                with open(os.path.join(folder, first), "rb") as f:
                    body = f.read()
            except OSError:
                self.send_error(404)
                return
            self.sized(len(body), body)

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingTCPServer):
    """Not HTTPServer, which asks the network for its own name."""

    allow_reuse_address = True
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(port_file + ".new", "w") as f:
    print(server.server_address[1], file=f)
os.rename(port_file + ".new", port_file)
server.serve_forever()
