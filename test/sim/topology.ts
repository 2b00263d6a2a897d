/** Shapes of meshes, as pairs of node numbers. */
import type { Random } from './random.ts';

export type Edge = readonly [number, number];

export function line(nodes: number): Edge[] {
  return Array.from({ length: nodes - 1 }, (_, i) => [i, i + 1] as const);
}

export function ring(nodes: number): Edge[] {
  return [...line(nodes), [nodes - 1, 0]];
}

export function grid(width: number, height: number): Edge[] {
  const edges: Edge[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (x + 1 < width) edges.push([at, at + 1]);
      if (y + 1 < height) edges.push([at, at + width]);
    }
  }
  return edges;
}

/** Each newcomer joins two others, chosen by how many links they have: a few hubs, many leaves. */
export function scaleFree(nodes: number, random: Random): Edge[] {
  const edges: Edge[] = [[0, 1]];
  const ends = [0, 1];
  for (let node = 2; node < nodes; node++) {
    const chosen = new Set<number>();
    while (chosen.size < 2) chosen.add(random.pick(ends));
    for (const other of chosen) {
      edges.push([node, other]);
      ends.push(node, other);
    }
  }
  return edges;
}

export function randomTree(nodes: number, random: Random): Edge[] {
  return Array.from({ length: nodes - 1 }, (_, i) => [i + 1, random.below(i + 1)] as const);
}
