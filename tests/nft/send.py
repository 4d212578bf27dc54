"""Sends frames, one a line in hexadecimal on standard input, from the interface that the argument names (packet(7))."""
import socket
import sys

with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
    wire.bind((sys.argv[1], 0))
    for line in sys.stdin:
        wire.send(bytes.fromhex(line))
