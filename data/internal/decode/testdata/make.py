"""Makes the pictures of this folder and what PIL 13.0 (libjpeg-turbo) reads from them: NAME and NAME.rgb, raw RGB by rows.

    python3 -m pip install pillow numpy && python3 make.py
"""
import numpy as np
from PIL import Image

width, height = 27, 19
y, x = np.mgrid[0:height, 0:width]
planes = [127 + 120 * np.sin(x / 5 + y / 9), 127 + 120 * np.cos(x / 7 - y / 4), (x * 9 + y * 5) % 256]
picture = Image.fromarray(np.stack(planes, -1).clip(0, 255).astype(np.uint8))
alpha = picture.convert("RGBA")
alpha.putalpha(Image.fromarray(((x * 11) % 256).astype(np.uint8)))

files = {
    "444.jpg": (picture, dict(quality=90, subsampling="4:4:4")),
    "422.jpg": (picture, dict(quality=90, subsampling="4:2:2")),
    "420.jpg": (picture, dict(quality=90, subsampling="4:2:0")),
    "progressive.jpg": (picture, dict(quality=90, progressive=True)),
    "narrow.jpg": (picture.crop((0, 0, 4, 19)), dict(quality=90, subsampling="4:2:0")),
    "grey.jpg": (picture.convert("L"), dict(quality=90)),
    "cmyk.jpg": (picture.convert("CMYK"), dict(quality=90)),
    "rgb.png": (picture, {}),
    "alpha.png": (alpha, {}),
    "palette.png": (picture.quantize(32), {}),
    "grey.png": (picture.convert("L"), {}),
    "grey_alpha.png": (alpha.convert("LA"), {}),
    "frame.gif": (picture.quantize(32), {}),
    "rgb.bmp": (picture, {}),
    "rgb.tiff": (picture, {}),
    "lossy.webp": (picture, dict(quality=90)),
    "lossless.webp": (alpha, dict(lossless=True, exact=True)),
}
for name, (image, options) in files.items():
    image.save(name, **options)
    with open(name + ".rgb", "wb") as out:
        out.write(Image.open(name).convert("RGB").tobytes())
