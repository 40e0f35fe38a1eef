"""The TLS certificate for all of ACS's hosts, issued by a CA that the simulator creates at each start.

The names include one host outside the SDK's allow-list. Tests use it to prove that credentials aren't sent there.
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
    """Creates a CA, writes its certificate to the file, and returns the TLS context of a server."""
    ca = trustme.CA(organization_name="Callvault ACS simulator")
    ca.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    ca.issue_cert(*NAMES).configure_cert(context)
    return context
