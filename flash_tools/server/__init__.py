"""The management and download server: `dm` is OMA DM without a network, `office` all that a running server can do, `field` a
server in a folder, `bench` one in a test; docs/architecture.md has the rest.
"""
