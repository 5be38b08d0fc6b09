# Copyright (c) OpenMMLab. All rights reserved.
"""Mixed precision on GPUs and on the CPU."""

import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper

from mmavs.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AVSAmpOptimWrapper(AmpOptimWrapper):
    """MMEngine's mixed-precision wrapper, which also runs on the CPU.

    bfloat16 has the exponent range of float32, so no loss scaling is needed
    there; on a GPU with float16 it works as in MMEngine.

    Args:
        dtype (str | torch.dtype): ``bfloat16`` or ``float16`` (GPUs only).
            Defaults to ``bfloat16``.
        loss_scale (str | float | dict): For float16, as in MMEngine.
            Defaults to ``dynamic``.
        use_fsdp (bool): As in MMEngine. Defaults to False.
        **kwargs: Arguments of :class:`mmengine.optim.OptimWrapper`.

    Raises:
        ValueError: If ``dtype`` is no such type, or float16 on the CPU.
    """

    def __init__(self, *, dtype: str | torch.dtype = 'bfloat16',
                 loss_scale: str | float | dict = 'dynamic',
                 use_fsdp: bool = False, **kwargs) -> None:
        dtype = str(dtype).removeprefix('torch.')
        if dtype not in ('bfloat16', 'float16'):
            raise ValueError("optim_wrapper.dtype must be 'bfloat16' or "
                             f"'float16', got {dtype!r}")
        on_gpu = torch.cuda.is_available()
        if dtype == 'float16' and not on_gpu:
            raise ValueError(
                'float16 training needs a GPU; on the CPU use bfloat16 '
                '(--amp, or --cfg-options optim_wrapper.dtype=bfloat16)')
        if on_gpu:
            super().__init__(loss_scale=loss_scale, dtype=dtype,
                             use_fsdp=use_fsdp, **kwargs)
        else:
            # AmpOptimWrapper's own constructor refuses the CPU.
            OptimWrapper.__init__(self, **kwargs)
            self._scale_update_param = None
            self.cast_dtype = torch.bfloat16
        if dtype == 'bfloat16':
            self.loss_scaler = torch.amp.GradScaler(
                'cuda' if on_gpu else 'cpu', enabled=False)
