"""The native cells, optional: without a C compiler the install succeeds, and the Python twin does their work."""

from pathlib import Path

from setuptools import Extension, setup

NATIVE = Path("otel_trading/hotpath/native")

setup(
    ext_modules=[
        Extension(
            "otel_trading.hotpath._native",
            sources=sorted(map(str, NATIVE.glob("*.c"))),
            depends=sorted(map(str, NATIVE.glob("*.h"))),
            extra_compile_args=["-O3", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter"],
            optional=True,
        )
    ]
)
