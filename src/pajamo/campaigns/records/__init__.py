"""Campaigns on record: one SQLite file each, safe under kill -9 and under two processes."""

from pajamo.campaigns.records.campaign import Campaign
from pajamo.campaigns.records.history import RoundRecord
from pajamo.campaigns.records.results import Received

__all__ = ["Campaign", "Received", "RoundRecord"]
