/** The browser's keys, checkpoints and findings. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { address } from "../app/location";
import { CheckpointsSection } from "./checkpoints_section";
import { FindingsSection } from "./findings_section";
import { KeysSection } from "./keys_section";
import { LimitsSection } from "./limits_section";
import { MarksSection } from "./marks_section";
import { readPinnedKeys } from "./pinned_keys";

export default function Page(): JSX.Element {
  useEffect(() => void readPinnedKeys(), []);
  const { hash } = address.value;
  useEffect(() => {
    // The page is not loaded anew, so the browser does not go to the section by itself.
    if (hash) document.getElementById(hash.slice(1))?.scrollIntoView();
  }, [hash]);
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
