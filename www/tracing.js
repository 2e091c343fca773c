// Strokes a tracing, which Rust has laid out in millimetres, on the squares of ECG paper, and shows it on a canvas.

/** Narrower than this, in CSS pixels, the tracing is broken into two halves. */
const NARROW = 640;
const LARGE_SQUARE = 5;

/**
 * How a tracing is to look.
 * @typedef {object} Look
 * @property {number} width in pixels of the device
 * @property {number} density pixels of the device to a CSS pixel
 * @property {number} columns how many columns of leads are side by side
 * @property {string} font
 * @property {{ smallSquare: string, largeSquare: string, ink: string, sheet: string }} colours
 */

/** How a tracing on a canvas is to look, as wide as the canvas is now. @returns {Look} */
export function lookOn(canvas) {
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name);
  return {
    width: Math.round(canvas.clientWidth * devicePixelRatio),
    density: devicePixelRatio,
    columns: canvas.clientWidth < NARROW ? 2 : 4,
    font: style.fontFamily,
    colours: {
      smallSquare: colour("--small-square"),
      largeSquare: colour("--large-square"),
      ink: colour("--ink"),
      sheet: colour("--sheet"),
    },
  };
}

/** Takes a tracing away, so that it is not taken for another's. */
export function blank(canvas) {
  canvas.removeAttribute("aria-label");
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(null);
}

/** Shows what was drawn, which then belongs to the canvas. */
export function present(canvas, { image, description }) {
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.style.aspectRatio = `${image.width} / ${image.height}`;
  canvas.setAttribute("aria-label", description);
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(image);
}

/**
 * Draws a tracing wherever it is called: the worker does, since a page that draws freezes meanwhile.
 * @param {import("../pkg/ecgnet.js").Paper} paper
 * @param {Look} look
 * @returns {ImageBitmap}
 */
export function draw(paper, { width, density, font, colours }) {
  const millimetre = width / paper.width;
  const canvas = new OffscreenCanvas(width, Math.round(paper.height * millimetre));
  const context = canvas.getContext("2d");
  squares(context, canvas, millimetre, density, colours);

  context.lineJoin = "round";
  context.lineCap = "round";
  context.strokeStyle = colours.ink;
  context.lineWidth = Math.max(density, 0.22 * millimetre);
  paper.marks.forEach((points) => stroke(context, points, millimetre));
  context.lineWidth = Math.max(1.2 * density, 0.3 * millimetre);
  paper.traces.forEach((points) => stroke(context, points, millimetre));

  const size = Math.max(11 * density, 3.2 * millimetre);
  context.font = `600 ${size}px ${font}`;
  context.fillStyle = colours.ink;
  context.strokeStyle = colours.sheet;
  context.lineWidth = size / 4;
  for (const { text, x, y } of paper.labels) {
    context.strokeText(text, x * millimetre, y * millimetre);
    context.fillText(text, x * millimetre, y * millimetre);
  }
  return canvas.transferToImageBitmap();
}

/** Lines at whole device pixels, so that they are sharp. */
function squares(context, canvas, millimetre, density, { smallSquare, largeSquare }) {
  const thin = Math.max(1, Math.round(density * 0.5));
  const thick = Math.max(1, Math.round(density));
  const lines = (step, width, colour) => {
    context.fillStyle = colour;
    for (let x = step; x * millimetre < canvas.width; x += step) {
      context.fillRect(Math.round(x * millimetre), 0, width, canvas.height);
    }
    for (let y = step; y * millimetre < canvas.height; y += step) {
      context.fillRect(0, Math.round(y * millimetre), canvas.width, width);
    }
  };
  // Squares of a few pixels would be a haze.
  if (millimetre >= 3) {
    lines(1, thin, smallSquare);
  }
  lines(LARGE_SQUARE, thick, largeSquare);
}

function stroke(context, points, millimetre) {
  context.beginPath();
  let penIsDown = false;
  for (let index = 0; index < points.length; index += 2) {
    const x = points[index] * millimetre;
    const y = points[index + 1] * millimetre;
    if (Number.isNaN(x)) {
      penIsDown = false;
    } else if (penIsDown) {
      context.lineTo(x, y);
    } else {
      context.moveTo(x, y);
      penIsDown = true;
    }
  }
  context.stroke();
}
