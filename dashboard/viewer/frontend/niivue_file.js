// NiiVue out of its packed bytes, and scans as the files it reads.

async function openLibrary(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const text = await new Response(stream).text();
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try { return await import(address); } finally { URL.revokeObjectURL(address); }
}

// A NIfTI file around bytes stored with k running fastest: its first axis is superior, its last one right.
function nifti(bytes, shape, spacing, origin) {
  const file = new ArrayBuffer(352 + bytes.length), head = new DataView(file);
  const short = (at, ...values) => values.forEach((value, n) => head.setInt16(at + 2 * n, value, true));
  const float = (at, ...values) => values.forEach((value, n) => head.setFloat32(at + 4 * n, value, true));
  head.setInt32(0, 348, true);
  short(40, 3, shape[2], shape[1], shape[0], 1, 1, 1, 1);
  short(70, 2, 8); // unsigned bytes
  float(76, 1, spacing[2], spacing[1], spacing[0]);
  float(108, 352, 1); // first voxel, slope
  head.setUint8(123, 2); // millimetres
  short(254, 1); // the matrix below is the scanner's
  float(280, 0, 0, spacing[0], origin[0], 0, spacing[1], 0, origin[1], spacing[2], 0, 0, origin[2]);
  head.setInt32(344, 0x00312b6e, true); // "n+1"
  new Uint8Array(file, 352).set(bytes);
  return file;
}
