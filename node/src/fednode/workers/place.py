"""Which of several processes this one is, as the launcher that started it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedprotocol.errors import FedError

_NAMES = (
    ("RANK", "WORLD_SIZE", "LOCAL_RANK"),  # torchrun
    ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"),  # srun
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),  # mpirun of Open MPI
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),  # mpirun of MPICH and Intel MPI
)


class NoPlace(FedError):
    """No launcher says which process this is."""


class TooFewDevices(FedError):
    """There are more processes on this machine than GPUs."""


@dataclass(frozen=True)
class Place:
    """Process `rank` of `size`, and the `local`-th of those on this machine; each counts from 0."""

    rank: int
    size: int
    local: int


def place(environment: Mapping[str, str]) -> Place:
    """Raises NoPlace."""
    for names in _NAMES:
        said = [environment.get(name, "") for name in names]
        if all(value.isdecimal() for value in said):
            return Place(*map(int, said))
    raise NoPlace(
        "no launcher says which of the processes this is: [training] launch must start them with torchrun, srun or "
        "mpirun, which set RANK, SLURM_PROCID or OMPI_COMM_WORLD_RANK"
    )


def own_device(environment: Mapping[str, str], there: int, local: int) -> str:
    """The CUDA_VISIBLE_DEVICES with which the `local`-th process sees one GPU of its own, of `there` that the machine
    or its launcher gives to all. Raises TooFewDevices."""
    named = environment.get("CUDA_VISIBLE_DEVICES", "").strip()
    devices = [name.strip() for name in named.split(",")] if named else [str(number) for number in range(there)]
    if local >= len(devices):
        raise TooFewDevices(
            f"process {local + 1} on this machine finds {len(devices)} GPUs: give [training] as many processes as "
            "there are GPUs"
        )
    return devices[local]
