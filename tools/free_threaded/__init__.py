"""The engine's tests on CPython without the global interpreter lock, which is built here from its source.

python -m tools.free_threaded [--sanitize] [arguments of pytest, or a program and its arguments]
"""
