"""A certificate for localhost, signed by itself, for tests of TLS."""

from __future__ import annotations

from pathlib import Path

import trustme


def localhost(folder: Path) -> tuple[Path, Path, Path]:
    """Files of the authority's certificate, a server certificate that it signed, and the server's key."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    files = folder / "authority.pem", folder / "cert.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(str(files[0]))
    files[1].write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(files[2]))
    return files
