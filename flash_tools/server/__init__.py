"""The host's OMA DM 1.2.1 server: `dm` is the server without a network, `dm_commands` what a policy commands."""
