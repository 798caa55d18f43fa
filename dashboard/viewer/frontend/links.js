// Where the voxels of each pane lie in the reference space. Places are mm along the axes of the reference grid; panes
// on that grid know them by themselves, panes in their own grids bring a table for each way (Python: grid_links.py).

// Where a point goes: straight lines between the points of a table, and on beyond the outer ones.
function lookUp({ first, step, shape, values }, point) {
  const cell = [], share = [], found = [0, 0, 0];
  for (let c = 0; c < 3; c++) {
    const along = (point[c] - first[c]) / step[c];
    cell[c] = clamp(Math.floor(along), 0, shape[c] - 2);
    share[c] = along - cell[c];
  }
  for (let corner = 0; corner < 8; corner++) {
    let weight = 1, at = 0;
    for (let c = 0; c < 3; c++) {
      const far = (corner >> c) & 1;
      weight *= far ? share[c] : 1 - share[c];
      at = at * shape[c] + cell[c] + far;
    }
    for (let c = 0; c < 3; c++) found[c] += weight * values[3 * at + c];
  }
  return found;
}

class Frame {
  constructor({ shape, spacing_mm, origin_mm, to, from }, toBytes, fromBytes) {
    const numbers = (bytes) => new Float32Array(bytes.slice().buffer);
    Object.assign(this, { shape, spacing: spacing_mm, origin: origin_mm ?? [0, 0, 0], isPlaced: Boolean(origin_mm) });
    this.to = to && { ...to, values: numbers(toBytes) };
    this.from = from && { ...from, values: numbers(fromBytes) };
  }

  toReference(voxel) {
    return this.to ? lookUp(this.to, voxel) : voxel.map((at, c) => this.origin[c] + at * this.spacing[c]);
  }

  // A place in voxels, and the voxel nearest to it within the grid.
  fromReference(place) {
    return this.from ? lookUp(this.from, place) : place.map((mm, c) => (mm - this.origin[c]) / this.spacing[c]);
  }

  toVoxel(place) {
    return this.fromReference(place).map((index, c) => clamp(Math.round(index), 0, this.shape[c] - 1));
  }
}

const framesOf = (data) => data.grids.map((grid, n) => new Frame(grid, bytesOf(data[`t${n}`]), bytesOf(data[`f${n}`])));
