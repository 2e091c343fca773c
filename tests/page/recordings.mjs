// Recordings that nobody's heart beats in, as files: WFDB, NumPy and zip.

import { crc32 } from "node:zlib";

const LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];
const RATE = 500;
const SAMPLES = 10 * RATE;

/** The heights of P, Q, R, S and T by lead, in mV; the limb leads obey Einthoven and Goldberger. */
const I = [0.1, -0.05, 0.6, -0.1, 0.2];
const II = [0.15, -0.08, 1.1, -0.2, 0.3];
const of = (work) => I.map((value, wave) => work(value, II[wave]));
const WAVES = [
  I,
  II,
  of((one, two) => two - one),
  of((one, two) => -(one + two) / 2),
  of((one, two) => one - two / 2),
  of((one, two) => two - one / 2),
  [0.05, 0, 0.2, -0.9, 0.1],
  [0.08, 0, 0.4, -1.2, 0.4],
  [0.1, -0.02, 0.8, -0.8, 0.45],
  [0.1, -0.05, 1.3, -0.5, 0.4],
  [0.1, -0.08, 1.2, -0.25, 0.3],
  [0.1, -0.08, 0.9, -0.1, 0.25],
];
const TIMES = [-0.16, -0.03, 0, 0.035, 0.28];
const WIDTHS = [0.022, 0.009, 0.011, 0.011, 0.05];

/** Microvolts, sample by sample, of all leads. */
function samples(rate) {
  const beat = 60 / rate;
  const values = new Int16Array(SAMPLES * LEADS.length);
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const after = ((sample / RATE + beat / 2) % beat) - beat / 2;
    const bumps = TIMES.map((time, wave) => Math.exp(-0.5 * ((after - time) / WIDTHS[wave]) ** 2));
    for (const [lead, heights] of WAVES.entries()) {
      const height = heights.reduce((sum, value, wave) => sum + value * bumps[wave], 0);
      // A little noise: no recorder gives the same number twice in a row.
      const noise = ((sample * 7919 + lead * 104729) % 23) - 11;
      values[sample * LEADS.length + lead] = Math.round(height * 1000 + noise * 0.5);
    }
  }
  return values;
}

/** A WFDB record as `{ name, content }`, header and signals. */
export function wfdb(name, { age = 61, sex = "Female", rate = 72, flat, leads = LEADS.length } = {}) {
  const signals = LEADS.slice(0, leads).map((lead) => `${name}.dat 16 1000/mV 16 0 0 0 0 ${lead}\n`).join("");
  const header = `${name} ${leads} ${RATE} ${SAMPLES}\n${signals}#Age: ${age}\n#Sex: ${sex}\n`;
  const values = samples(rate).filter((_, index) => index % LEADS.length < leads);
  if (flat !== undefined) {
    values.forEach((_, index) => index % leads === flat && (values[index] = 0));
  }
  return [
    { name: `${name}.hea`, content: Buffer.from(header) },
    { name: `${name}.dat`, content: Buffer.from(values.buffer) },
  ];
}

/** A NumPy array of microvolts, which does not say so. */
export function npy(name) {
  const text = `{'descr': '<i2', 'fortran_order': False, 'shape': (${SAMPLES}, ${LEADS.length}), }`;
  const header = `${text.padEnd(128 - 10 - 1)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length, 0]);
  return { name, content: Buffer.concat([start, Buffer.from(header), Buffer.from(samples(66).buffer)]) };
}

/** An archive of files, stored as they are. */
export function zip(name, files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, content } of files) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(content.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), content]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), fields, place, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return { name, content: Buffer.concat([...parts, entries, end]) };
}
