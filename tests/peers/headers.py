"""Adds headers to every request on its way to another port of this machine.

Portkey is told by headers where to send a request; Halo, as most programs, sends none of its own.
"""

import socket
import threading


class Adding:
    def __init__(self, port, headers):
        self.port = port
        self.lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65_536)
                if not piece:
                    return
                head += piece
            first, rest = head.split(b"\r\n", 1)
            # One request a connection, so that no other has to be found in the bytes.
            server.sendall(first + b"\r\n" + self.lines + b"connection: close\r\n" + rest)
            sending = threading.Thread(target=pump, args=(client, server), daemon=True)
            sending.start()
            pump(server, client)

    def stop(self):
        self.listener.close()


def pump(source, target):
    """Hands bytes on until there are none. A connection that breaks, breaks on the other side."""
    try:
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
