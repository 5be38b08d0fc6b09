# Copyright (c) OpenMMLab. All rights reserved.
"""Decoding a picture that may be anything."""

import os
import warnings

from PIL import Image

# Pillow chooses the decoder by the content, and some of those it has run
# other programs (PostScript) or take any amount of time.
FORMATS = ('PNG', 'JPEG', 'WEBP', 'BMP', 'GIF', 'TIFF')
MAX_PIXELS = 2**26


def open_picture(path: str | os.PathLike) -> Image.Image:
    """Decode a picture completely.

    Args:
        path (str | PathLike): A PNG, JPEG, WebP, BMP, GIF or TIFF file,
            whatever its name.

    Returns:
        Image: The picture in its own mode.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such picture, is broken, or claims more than
            2^26 pixels; nothing of that size is allocated.
    """
    try:
        # The limit of Pillow's warnings is above ours.
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise ValueError(f'claims {width} x {height} pixels, '
                                     f'more than {MAX_PIXELS}')
                image.load()
                return image
    except (FileNotFoundError, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they like
        raise ValueError(f'{path}: cannot be decoded '
                         f'({type(error).__name__}: {error}); get the file '
                         'again') from error
