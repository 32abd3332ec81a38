"""A formula on a data set: the arrays of the model, and what to know of them."""

from bayescompare.model_frame.frame import ModelFrame, model_frame

__all__ = ["ModelFrame", "model_frame"]
