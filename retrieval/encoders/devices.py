"""Where a model runs: the device, number format and attention kernel that fit the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retrieval.errors import DeviceOutOfMemory, InvalidSetting

AUTO = "auto"
DTYPES = ("float32", "bfloat16", "float16")
ATTENTIONS = ("eager", "sdpa", "flash_attention_2")


@dataclass(frozen=True, slots=True)
class Placement:
    """How a model is run.

    Attributes:
        device: as torch names it: "cuda", "cuda:1", "mps" or "cpu".
        dtype: "float32", "bfloat16" or "float16".
        attention: the name that transformers gives the kernel.
    """

    device: str
    dtype: str
    attention: str

    @property
    def torch_dtype(self) -> Any:
        """The dtype as torch's own object."""
        import torch

        return getattr(torch, self.dtype)


def take_one_core() -> None:
    """From now on, operations of torch that this thread calls on the CPU start no more threads.

    `torch.set_num_threads` would limit all threads of the process, those that answer questions too.
    """
    import torch
    from threadpoolctl import threadpool_limits

    # A thread that has not asked yet would set its limit anew at its first operation.
    torch.get_num_threads()
    threadpool_limits(1, user_api="openmp")


def find_accelerator() -> tuple[str, str] | None:
    """The GPU of this machine as (torch's name, the name people know); None without one."""
    import torch

    if torch.cuda.is_available():
        return "cuda", torch.cuda.get_device_name(0)
    if torch.backends.mps.is_available():
        return "mps", "Apple GPU"
    return None


def place_model(device: str = AUTO, dtype: str = AUTO, attention: str = AUTO) -> Placement:
    """Chooses what is "auto": a GPU before the CPU, bfloat16 where the hardware computes in it.

    Raises:
        InvalidSetting: an unknown name, or a device that this machine lacks.
    """
    device = _choose_device(device)
    if dtype not in (AUTO, *DTYPES):
        raise InvalidSetting(f"unknown dtype {dtype!r}; known: auto, {', '.join(DTYPES)}")
    if attention not in (AUTO, *ATTENTIONS):
        raise InvalidSetting(
            f"unknown attention {attention!r}; known: auto, {', '.join(ATTENTIONS)}"
        )
    dtype = _choose_dtype(device) if dtype == AUTO else dtype
    attention = _choose_attention(device, dtype) if attention == AUTO else attention
    return Placement(device, dtype, attention)


def _choose_device(device: str) -> str:
    import torch

    if device == AUTO:
        accelerator = find_accelerator()
        return accelerator[0] if accelerator else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidSetting(f"device {device!r} cannot be used here: {reason}") from error
    return device


def _choose_dtype(device: str) -> str:
    import torch

    if device.startswith("cuda"):
        # GPUs before Ampere emulate bfloat16 slowly; float16 overflows in these models' MLPs.
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float32"
    if device == "cpu":
        return "bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32"
    return "bfloat16"


def _choose_attention(device: str, dtype: str) -> str:
    from transformers.utils import is_flash_attn_2_available

    # Flash attention computes in half precision only, and only on CUDA.
    if device.startswith("cuda") and dtype != "float32" and is_flash_attn_2_available():
        return "flash_attention_2"
    return "sdpa"


def map_out_of_memory(error: RuntimeError | MemoryError) -> DeviceOutOfMemory | None:
    """The error of ours for an allocation that failed; None if `error` is about something else.

    CUDA has a class for it; MPS and the CPU's allocator only say so in their message.
    """
    import torch

    is_memory = isinstance(error, torch.OutOfMemoryError | MemoryError)
    text = str(error).lower()
    if is_memory or "out of memory" in text or "not enough memory" in text:
        return DeviceOutOfMemory("a batch does not fit into the memory of the device")
    return None
