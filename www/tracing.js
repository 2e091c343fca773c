// Strokes a tracing, which Rust has laid out in millimetres, on a canvas with the squares of ECG paper.

/** Narrower than this, in CSS pixels, the tracing is broken into two halves. */
const NARROW = 640;
const LARGE_SQUARE = 5;

/** How many columns of leads fit side by side on an element. */
export function columnsFor(element) {
  return element.clientWidth < NARROW ? 2 : 4;
}

/** Takes a tracing away, so that it is not taken for another's. */
export function blank(canvas) {
  canvas.removeAttribute("aria-label");
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

/**
 * @param {HTMLCanvasElement} canvas as wide as its style says
 * @param {import("../pkg/ecgnet.js").Paper} paper
 */
export function draw(canvas, paper) {
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name);
  const millimetre = (canvas.clientWidth * devicePixelRatio) / paper.width;
  canvas.width = Math.round(paper.width * millimetre);
  canvas.height = Math.round(paper.height * millimetre);
  canvas.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
  canvas.setAttribute("aria-label", paper.description);
  const context = canvas.getContext("2d");
  squares(context, canvas, millimetre, colour("--small-square"), colour("--large-square"));

  context.lineJoin = "round";
  context.lineCap = "round";
  context.strokeStyle = colour("--ink");
  context.lineWidth = Math.max(devicePixelRatio, 0.22 * millimetre);
  paper.marks.forEach((points) => stroke(context, points, millimetre));
  context.lineWidth = Math.max(1.2 * devicePixelRatio, 0.3 * millimetre);
  paper.traces.forEach((points) => stroke(context, points, millimetre));

  const size = Math.max(11 * devicePixelRatio, 3.2 * millimetre);
  context.font = `600 ${size}px ${style.fontFamily}`;
  context.fillStyle = colour("--ink");
  context.strokeStyle = colour("--sheet");
  context.lineWidth = size / 4;
  for (const { text, x, y } of paper.labels) {
    context.strokeText(text, x * millimetre, y * millimetre);
    context.fillText(text, x * millimetre, y * millimetre);
  }
}

/** Lines at whole device pixels, so that they are sharp. */
function squares(context, canvas, millimetre, small, large) {
  const thin = Math.max(1, Math.round(devicePixelRatio * 0.5));
  const thick = Math.max(1, Math.round(devicePixelRatio));
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
    lines(1, thin, small);
  }
  lines(LARGE_SQUARE, thick, large);
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
