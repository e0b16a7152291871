/**
 * Every request and reply of the app, under the names that its OpenAPI document gives them.
 * In a reply each key is always there, null where it has no value, but for those with a `?`.
 */

export type Kind = "liveness" | "livenessWithVerify";
export type Status = "started" | "processing" | "completed" | "abandoned" | "canceled";
export type Outcome = "passed" | "rejected" | "inconclusive" | "untrusted";
export type Comparison = "matched" | "mismatched" | "notProvided";

export type Reason =
  | "DigestMismatch"
  | "ImageHashMismatch"
  | "Spoof"
  | "DifferentPerson"
  | "BelowConfidenceFloor"
  | "Uncertain"
  | "UnknownDecision"
  | "NoFinishedAttempt"
  | "AttemptError"
  | "Canceled"
  | "CanceledDuringCheck"
  | "DigestMissing"
  | "VerifyMissing"
  | "ImageHashMissing"
  | "ReferenceQuality";

export type ErrorCode =
  | "InvalidRequest"
  | "InvalidImage"
  | "InvalidImageSize"
  | "Unauthorized"
  | "Forbidden"
  | "SessionNotFound"
  | "ImageNotFound"
  | "ReceiptNotFound"
  | "SessionNotFinal"
  | "SessionConflict"
  | "ResultConsumed"
  | "PersonBeingErased"
  | "EventsOff"
  | "LengthRequired"
  | "RequestTooLarge"
  | "UnsupportedMediaType"
  | "IdempotencyKeyReused"
  | "ReferenceImageQuality"
  | "ReferenceUnusable"
  | "TooManySessions"
  | "TooManyAttempts"
  | "ConfigurationError"
  | "RecordCorrupt"
  | "FaceRefused"
  | "FaceUnavailable"
  | "KeyUnavailable"
  | "StoreUnavailable"
  | "CreatesPaused"
  | "NotReady";

/** What your server says when it starts a session; a form has the file verifyImage besides. */
export interface CreateBody {
  livenessOperationMode?: "Passive" | "PassiveActive" | null;
  deviceCorrelationId?: string | null;
  deviceCorrelationIdSetInClient?: boolean | null;
  userCorrelationId?: string | null;
  authTokenTimeToLiveInSeconds?: number | null;
  reference?: string | null;
  enableSessionImage?: boolean | null;
  referenceSessionId?: string | null;
  verifyImageSetInClient?: boolean | null;
  verifyImageSha256?: string | null;
}

/** Why a try failed, in the words of Microsoft's SDK. */
export interface SdkError {
  livenessError?: string | null;
  recognitionError?: string | null;
}

/** What a frontend may say of its check; other fields of the SDK's object are not looked at. */
export interface CompletionBody {
  digest?: string | null;
  resultId?: string | null;
  livenessError?: string | null;
  recognitionError?: string | null;
  error?: SdkError | null;
}

/** In pixels. */
export interface FaceRectangle {
  top: number;
  left: number;
  width: number;
  height: number;
}

/** What Face thinks of the image it is to verify against. */
export interface StartReferenceImage {
  qualityForRecognition: string | null;
  faceRectangle: FaceRectangle | null;
}

/** A new session; its two tokens are told this once. */
export interface StartReply {
  sessionId: string;
  kind: Kind;
  status: Status;
  authToken: string;
  sessionToken: string;
  expiresAt: string;
  expiresInSeconds: number;
  modelVersion: string | null;
  reference: string | null;
  referenceImage?: StartReferenceImage;
}

export interface StatusReply {
  sessionId: string;
  kind: Kind;
  status: Status;
  expiresAt: string;
  expiresInSeconds: number;
  retryAfterSeconds?: number;
}

export interface CompleteReply {
  sessionId: string;
  status: Status;
  retryAfterSeconds?: number;
}

/** The attempt that was judged. */
export interface ResultAttempt {
  attemptId: number | null;
  attemptCount: number | null;
  errorCode: string | null;
}

/** One of all of Face's attempts. */
export interface FaceAttempt {
  attemptId: number;
  status: string | null;
  livenessDecision: string | null;
  errorCode: string | null;
  errorMessage: string | null;
  faceRectangle: FaceRectangle | null;
}

export interface ResultVerify {
  isIdentical: boolean | null;
  matchConfidence: number | null;
  verifyImageHash: Comparison | null;
}

/** What the frontend said; never a reason to pass. */
export interface ResultReport {
  resultId: string | null;
  livenessError: string | null;
  recognitionError: string | null;
}

export interface ResultReferenceImage {
  source: "server" | "session" | "client";
  qualityForRecognition: string | null;
  faceRectangle: FaceRectangle | null;
}

/** The last of each. */
export interface FaceRequestIds {
  create: string | null;
  get: string | null;
  delete: string | null;
  image: string | null;
  detect: string | null;
}

export interface ResultReply {
  sessionId: string;
  kind: Kind;
  status: Status;
  /** Null unless the session is completed. */
  outcome: Outcome | null;
  reasons: Reason[];
  livenessDecision: string | null;
  attempt: ResultAttempt;
  attempts: FaceAttempt[];
  verify: ResultVerify | null;
  digest: Comparison | null;
  lateDigest: "none" | "matched" | "mismatched";
  reported: ResultReport;
  referenceImage: ResultReferenceImage | null;
  sessionImage: "none" | "pending" | "stored" | "unavailable";
  /** What Face's Detect said, as it came. */
  faceAttributes: unknown[] | null;
  faceRequestIds: FaceRequestIds;
  modelVersion: string | null;
  reference: string | null;
  deviceCorrelationId: string | null;
  userCorrelationId: string | null;
  createdAt: string;
  expiresAt: string;
  endedAt: string | null;
  consumedAt: string | null;
  consumer: string | null;
  /** Null where servers come with keys. */
  createdBy: { appId: string; objectId: string } | null;
}

export interface ErrorCause {
  code: string;
  message: string;
  target?: string;
}

export interface ErrorDetails {
  code: ErrorCode;
  message: string;
  target?: string;
  details?: ErrorCause[];
}

export interface ErrorReply {
  error: ErrorDetails;
  retryAfterSeconds?: number;
}
