import type { Output } from './run.js'
export async function measureScale(_: Output): Promise<void> {}
