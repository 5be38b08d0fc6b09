# Copyright (c) OpenMMLab. All rights reserved.
"""Renaming the weights of other programs into ours: plain functions."""
