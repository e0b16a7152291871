/** What an ending and its reasons mean, in words. */
export const verdicts = {
  passed: { name: "Passed", tone: "good", text: "A real person, here and now." },
  rejected: { name: "Rejected", tone: "bad", text: "Face has seen enough to say no." },
  inconclusive: { name: "Inconclusive", tone: "unsure", text: "Neither yes nor no: let them try again." },
  untrusted: { name: "Untrusted", tone: "bad", text: "Somebody has tampered with what was reported." },
  abandoned: { name: "Abandoned", tone: "none", text: "Nobody finished in time; there is no verdict." },
  canceled: { name: "Canceled", tone: "none", text: "Given up; there is no verdict." },
};

export const meanings = {
  Spoof: "Not a live face: a photo, a screen or a mask.",
  DifferentPerson: "A live face, but not the one on the picture.",
  BelowConfidenceFloor: "Alike, but less than you ask for.",
  Uncertain: "Face could not tell.",
  UnknownDecision: "Face said something that nobody knows.",
  NoFinishedAttempt: "No attempt came to its end.",
  AttemptError: "The last attempt ended with an error.",
  Canceled: "The person stopped.",
  CanceledDuringCheck: "Canceled while Face was at it.",
  DigestMissing: "The device never said which result is its own.",
  DigestMismatch: "The device reports another result than Face’s.",
  VerifyMissing: "Face did not compare the faces.",
  ImageHashMissing: "Face did not say which picture it compared with.",
  ImageHashMismatch: "Face compared with another picture than yours.",
  ReferenceQuality: "The picture is too poor to compare with.",
};
