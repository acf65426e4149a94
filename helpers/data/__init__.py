"""Pictures in, tensors out: the embedded data sets and their loaders.

fashion_mnist       12,000 training and 2,000 test pictures that come with the course
full_fashion_mnist  all 60,000 and 10,000, through the Hugging Face hub (needs a network once)
photo               three small photographs, two of them not square
"""

from helpers.data.fashion import CLASSES, Pictures, denormalise, fashion_mnist
from helpers.data.files import DataError
from helpers.data.hub import full_fashion_mnist
from helpers.data.photographs import PHOTOGRAPHS, photo

__all__ = [
    "CLASSES",
    "PHOTOGRAPHS",
    "DataError",
    "Pictures",
    "denormalise",
    "fashion_mnist",
    "full_fashion_mnist",
    "photo",
]
