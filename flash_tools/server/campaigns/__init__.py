"""Updates for many devices: filter, groups, thresholds, retries. Pure: no sockets, no SQL, no threads, no clock.

campaign.py says what whoever runs campaigns must do; docs/campaigns.md is the user's page.
"""
