"""The twenty superclasses of CIFAR-100, five classes each."""

from __future__ import annotations

from simulate.house import checks

__all__ = ["SUPERCLASSES", "classes_of"]

SUPERCLASSES = {
    "aquatic-mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food-containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit-and-vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household-electrical-devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household-furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large-carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large-man-made-outdoor-things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large-natural-outdoor-scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large-omnivores-and-herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium-mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect-invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small-mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles-1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles-2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}
"""Names of the classes of each; Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images"."""
_NAMES = sorted(name for names in SUPERCLASSES.values() for name in names)


def classes_of(superclass: str) -> tuple[int, ...]:
    """The classes of a superclass by their numbers, which are those of the names in the order of the alphabet.

    Example:
        >>> classes_of("people")
        (2, 11, 35, 46, 98)
    """
    checks.choice("superclass", superclass, tuple(SUPERCLASSES))
    return tuple(_NAMES.index(name) for name in SUPERCLASSES[superclass])
