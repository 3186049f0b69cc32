import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { decodeFaceBoxes, type FaceBox } from './face-boxes.js'

const require = createRequire(import.meta.url)

/** Side of the detector's square input in pixels. */
export const DETECTOR_SIDE = 256
/** Side of the face mesh's square input in pixels. */
export const MESH_SIDE = 192
export const LANDMARKS = 468

export interface FaceMesh {
  /** The confidence that the crop contains a face, 0 to 1. */
  readonly score: number
  /** 468 points as x, y, x, y… in pixels of the crop, numbered like those of MediaPipe Face Mesh. */
  readonly points: Float32Array
}

export interface FaceModels extends Disposable {
  /** Finds faces. @param rgb 256 x 256 x 3 values, 0 to 1; the boxes are in pixels of it */
  detect(rgb: Float32Array): FaceBox[]
  /** Finds the landmarks of one face. @param rgb 192 x 192 x 3 values, 0 to 1 */
  mesh(rgb: Float32Array): FaceMesh
}

/**
 * Loads BlazeFace and Face Mesh (Google's MediaPipe models, from the package @vladmandic/human) on the WASM backend of
 * TensorFlow.js. They run in one thread, and everything is read from files.
 */
export async function loadFaceModels(): Promise<FaceModels> {
  // CommonJS bundles: importing them takes a quarter of a second longer than requiring them.
  const tf = require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core')
  const converter = require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter')
  const wasm = require('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm')
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'))
  wasm.setThreadsCount(1)
  await tf.setBackend('wasm')
  await tf.ready()

  const folder = join(dirname(require.resolve('@vladmandic/human')), '..', 'models')
  const load = async (name: string) => {
    const model = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'))
    const weights = await readFile(join(folder, `${name}.bin`))
    return converter.loadGraphModel({
      load: async () => ({
        modelTopology: model.modelTopology,
        weightSpecs: model.weightsManifest[0].weights,
        weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length) as ArrayBuffer,
      }),
    })
  }
  const [detector, mesher] = [await load('blazeface'), await load('facemesh')]

  /** Runs a model and returns its outputs by shape, because their order is not fixed. */
  const run = (model: typeof detector, rgb: Float32Array, side: number) => {
    const outputs = new Map<string, Float32Array>()
    tf.tidy(() => {
      const result = model.execute(tf.tensor(rgb, [1, side, side, 3]))
      for (const tensor of Array.isArray(result) ? result : [result as import('@tensorflow/tfjs-core').Tensor])
        outputs.set(tensor.shape.slice(1).join('x'), tensor.dataSync() as Float32Array)
    })
    return outputs
  }

  return {
    detect(rgb) {
      const outputs = run(
        detector,
        rgb.map(value => 2 * value - 1),
        DETECTOR_SIDE,
      )
      return decodeFaceBoxes(output => outputs.get(output)!)
    },
    mesh(rgb) {
      const outputs = run(mesher, rgb, MESH_SIDE)
      const raw = outputs.get(String(3 * LANDMARKS))!
      const points = new Float32Array(2 * LANDMARKS)
      for (let i = 0; i < LANDMARKS; i++) {
        points[2 * i] = raw[3 * i]!
        points[2 * i + 1] = raw[3 * i + 1]!
      }
      return { score: outputs.get('1')![0]!, points }
    },
    [Symbol.dispose]() {
      detector.dispose()
      mesher.dispose()
    },
  }
}
