import type { CompletionBody } from "./openapi.js";

/** What a page needs of the SDK's element, be it Microsoft's or the stand-in. */
export interface LivenessDetector {
  /** Run the camera; ends with `{resultId, digest}`, or fails with `{livenessError, …}`. */
  start(authToken: string): Promise<CompletionBody>;
}
