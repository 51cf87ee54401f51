/** QR codes of keys: to take a pinned key over to a phone or another browser. */
import { utf8 } from "../proof/bytes";
import { malformed } from "../proof/errors";

const MOST_PIXELS = 1600; // of each side; a code in a larger picture is found as well in a smaller one

const MOST_BYTES = 2331; // in a code of version 40 with medium error correction (ISO/IEC 18004, table 7)

/**
 * The squares of a QR code for a text: rows of dark (true) and light ones; undefined if the text is too long for one.
 */
export async function squaresOf(text: string): Promise<boolean[][] | undefined> {
  if (utf8(text).length > MOST_BYTES) return undefined;
  const { encodeQR } = await import("qr");
  return encodeQR(text, "raw", { ecc: "medium", border: 4 });
}

/** Path of an SVG that has the dark squares, each of one unit. */
export function pathOfSquares(squares: readonly (readonly boolean[])[]): string {
  const parts: string[] = [];
  for (const [y, row] of squares.entries()) {
    for (const [x, isDark] of row.entries()) if (isDark) parts.push(`M${x} ${y}h1v1h-1z`);
  }
  return parts.join("");
}

/** Read the QR code in a picture. Throws VerificationError if the file is not a picture, or no code is found in it. */
export async function textInPicture(file: Blob): Promise<string> {
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw malformed("the file is not a picture that this browser can read");
  }
  try {
    const text = await textInFrame(picture, picture.width, picture.height);
    if (text === undefined) {
      throw malformed("no QR code was found: crop the picture, or photograph the code from closer");
    }
    return text;
  } finally {
    picture.close();
  }
}

/** Read the QR code in a picture of some size, such as a frame of a camera; undefined if none is found. */
export async function textInFrame(
  picture: ImageBitmap | HTMLVideoElement,
  width: number,
  height: number,
): Promise<string | undefined> {
  const scale = Math.min(1, MOST_PIXELS / Math.max(width, height, 1));
  const [across, down] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const context = new OffscreenCanvas(across, down).getContext("2d", { willReadFrequently: true });
  if (!context) return undefined;
  context.fillStyle = "white"; // under transparent pictures
  context.fillRect(0, 0, across, down);
  context.drawImage(picture, 0, 0, across, down);
  const { default: decodeQR } = await import("qr/decode.js");
  try {
    return decodeQR(context.getImageData(0, 0, across, down));
  } catch {
    return undefined; // the library throws where it finds none
  }
}
