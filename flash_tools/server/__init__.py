"""The host's OMA DM 1.2.1 server: `dm` is the server without a network, `dm_commands` what a policy commands, `bench` all of it
with sockets, TLS, downloads and faults, for tests and rigs.
"""
