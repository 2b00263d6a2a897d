/** The heap of the thread that asks, in octets: what is in use, and beyond what V8 ends the thread. */
import { getHeapStatistics } from 'node:v8';

export type HeapInfo = { readonly used: number; readonly max: number };

export function heapInfo(): HeapInfo {
  const { used_heap_size: used, heap_size_limit: max } = getHeapStatistics();
  return { used, max };
}
