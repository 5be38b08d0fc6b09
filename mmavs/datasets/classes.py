# Copyright (c) OpenMMLab. All rights reserved.
"""Class names and colours of AVSBench."""

BINARY_CLASSES = ('background', 'sounding')

# label2idx.json of AVSBench-semantic; the file is read where it is present.
SEMANTIC_CLASSES = (
    'background', 'accordion', 'airplane', 'axe', 'baby', 'bassoon', 'bell',
    'bird', 'boat', 'boy', 'bus', 'car', 'cat', 'cello', 'clarinet',
    'clipper', 'clock', 'dog', 'donkey', 'drum', 'duck', 'elephant',
    'emergency-car', 'erhu', 'flute', 'frying-food', 'girl', 'goose',
    'guitar', 'gun', 'guzheng', 'hair-dryer', 'handpan', 'harmonica', 'harp',
    'helicopter', 'hen', 'horse', 'keyboard', 'leopard', 'lion', 'man',
    'marimba', 'missile-rocket', 'motorcycle', 'mower', 'parrot', 'piano',
    'pig', 'pipa', 'saw', 'saxophone', 'sheep', 'sitar', 'sorna', 'squirrel',
    'tabla', 'tank', 'tiger', 'tractor', 'train', 'trombone', 'truck',
    'trumpet', 'tuba', 'ukulele', 'utv', 'vacuum-cleaner', 'violin', 'wolf',
    'woman')


def voc_palette(num_classes: int) -> list[list[int]]:
    """Return PASCAL VOC's colours, which AVSBench uses.

    The bits of an index are dealt in threes, from the low end, to red, green
    and blue; the first three become the colours' highest bits.

    Args:
        num_classes (int): Number of colours, at most 256 different ones.

    Returns:
        list[list[int]]: ``num_classes`` lists [red, green, blue].
    """
    palette = []
    for index in range(num_classes):
        colour = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                colour[channel] |= (
                    (index >> (3 * bit + channel)) & 1) << (7 - bit)
        palette.append(colour)
    return palette
