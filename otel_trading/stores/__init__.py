"""Where the stores behind the collector are, how one asks them, and which pages of them a person opens."""
