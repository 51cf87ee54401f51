/** The browser's keys, checkpoints and findings. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { CheckpointsSection } from "./checkpoints_section";
import { FindingsSection } from "./findings_section";
import { KeysSection } from "./keys_section";
import { LimitsSection } from "./limits_section";
import { MarksSection } from "./marks_section";
import { readPinnedKeys } from "./pinned_keys";

export default function Page(): JSX.Element {
  useEffect(() => void readPinnedKeys(), []);
  return (
    <div class="trust">
      <h1>Trust</h1>
      <p>
        This page checks evidence itself: it hashes each record, follows its proof to the log's root hash, and checks
        the signature with a key that you pinned. It does not take the server's word for any of these.
      </p>
      <FindingsSection />
      <KeysSection />
      <MarksSection />
      <CheckpointsSection />
      <LimitsSection />
    </div>
  );
}
