"""The OMA DM server without a network: bytes in, bytes out. Knows neither sockets nor a store.

What is commanded is a policy's matter: see server.py.
"""
