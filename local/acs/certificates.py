"""The TLS identity of every host that ACS answers under, signed by a CA that lives as long as the simulator.

The names include one host outside the SDK's allow-list, so that a test can prove no credential ever goes there.
"""

import ssl
from pathlib import Path

import trustme

ACS_HOST = "callvault.communication.azure.com"
AUTOMATION_HOST = "acscallautomation.communication.azure.com"
CONTENT_HOST = "storage.asm.skype.com"
DELETE_HOST = "us-storage.asm.skype.com"
REGIONAL_HOSTS = ("us-storage.asm.skype.com", "eu-storage.asm.skype.com")
FOREIGN_HOST = "media.example.net"
MEDIA_SUFFIXES = (".asm.skype.com", ".asyncgw.teams.microsoft.com")

NAMES = (
    "*.communication.azure.com",
    "*.asm.skype.com",
    "*.asyncgw.teams.microsoft.com",
    "*.westeurope-1.eventgrid.azure.net",
    FOREIGN_HOST,
)


def issue(ca_file: Path) -> ssl.SSLContext:
    """Write a fresh CA's certificate to the file, and give the context of a server it vouches for."""
    ca = trustme.CA(organization_name="Callvault ACS simulator")
    ca.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    ca.issue_cert(*NAMES).configure_cert(context)
    return context
