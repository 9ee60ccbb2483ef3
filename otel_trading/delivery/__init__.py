"""From finished items to the collector: bounded queue, worker thread, transport, retry, books."""
