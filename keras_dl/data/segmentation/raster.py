"""PNG, JPEG and BMP files, decoded."""

import numpy as np

from keras_dl.data.segmentation.picture_file import PictureFile, UnknownPicture, turned

PNG = b"\x89PNG\r\n\x1a\n"
ORIENTATION = 0x0112
LOSSLESS = ("PNG", "BMP", "DIB", "GIF", "PPM", "TGA", "TIFF")
JPEG_REFUSAL = "JPEG, which changes labels where they meet: save masks as PNG"


def read(path):
    """Decodes a file.

    Args:
        path: The file.

    Returns:
        A `PictureFile`.

    Raises:
        UnknownPicture: If it is no one grey or coloured picture.
        Exception: Whatever Pillow raises of a damaged file.
    """
    from PIL import Image

    with Image.open(path) as picture:
        picture.verify()  # the checksums of PNG, which decoding does not look at
    with Image.open(path) as picture:
        frames = getattr(picture, "n_frames", 1)
        if picture.format != "MPO" and frames > 1:  # MPO is JPEG with a preview
            raise UnknownPicture(f"{frames} pictures; save each as a file of its own")
        orientation = picture.getexif().get(ORIENTATION, 1)
        bits, colour_type = _png_type(path)
        if bits == 16 and colour_type in (2, 4, 6):
            file = _sixteen_bits(path)
        else:
            file = _decoded(picture)
            if colour_type == 0 and bits in (2, 4):
                file = file._replace(step=255 // (2**bits - 1))
        refusal = JPEG_REFUSAL if picture.format in ("JPEG", "MPO") else None
        if refusal is None and picture.format not in LOSSLESS:
            refusal = f"{picture.format}, which may change labels where they meet: save masks as PNG"
    parts = {name: turned(getattr(file, name), orientation) for name in ("array", "alpha", "indices")}
    return file._replace(**parts, refusal=refusal or file.refusal)


def _decoded(picture):
    mode = picture.mode
    alpha = None
    if "transparency" in picture.info or mode in ("LA", "RGBA", "PA", "La", "RGBa"):
        alpha = np.asarray(picture.convert("RGBA").getchannel("A"))
    if mode in ("P", "PA"):
        colours = np.asarray(picture.convert("RGB"))
        palette = np.reshape(picture.getpalette(), (-1, 3))
        if (palette == palette[:, :1]).all():
            return PictureFile(colours[..., :1], alpha=alpha, refusal=_ambiguous(picture, palette[:, 0]))
        return PictureFile(colours, colours=True, alpha=alpha, indices=np.asarray(picture.getchannel(0)))
    if mode == "1":
        return PictureFile(np.asarray(picture)[..., None].astype("uint8") * 255, alpha=alpha)
    if mode in ("L", "I", "F") or mode.startswith("I;16"):
        array = np.asarray(picture)[..., None]
        return PictureFile(array, white=255.0 if mode == "L" else 65535.0, alpha=alpha)
    if mode in ("LA", "La"):
        return PictureFile(np.asarray(picture.getchannel("L"))[..., None], alpha=alpha)
    if mode in ("RGB", "RGBA", "RGBa"):
        return PictureFile(np.asarray(picture.convert("RGB")), colours=True, alpha=alpha)
    raise UnknownPicture(f"one of mode {mode}; convert it to grey or RGB")


def _ambiguous(picture, greys):
    """Why a picture with a palette of greys cannot be a mask: several of its indices look alike."""
    used = np.unique(np.asarray(picture.getchannel(0)))
    if len(np.unique(greys[used])) < len(used):
        return "whose palette shows several indices as one grey: save the indices without a palette"
    return None


def _sixteen_bits(path):
    """A PNG file of 16 bits per channel, of which Pillow would leave the lower eight out."""
    import tensorflow as tf

    array = tf.io.decode_png(path.read_bytes(), dtype=tf.uint16).numpy()
    channels = array.shape[-1]
    alpha = array[..., -1] if channels in (2, 4) else None
    colours = channels >= 3
    return PictureFile(array[..., : 3 if colours else 1], colours=colours, white=65535.0, alpha=alpha)


def _png_type(path):
    """Bits per channel and type of colour of a PNG file, and two `None` of others."""
    with path.open("rb") as file:
        head = file.read(26)
    return (head[24], head[25]) if head.startswith(PNG) else (None, None)
