/** A choice of a file, which may be the same one again after it was changed. */
import type { JSX } from "preact";

interface Choice {
  label: string;
  accept?: string;
  disabled?: boolean;
  onFile: (file: File) => void;
}

export function FileInput({ label, accept, disabled, onFile }: Choice): JSX.Element {
  return (
    <label class="trust-field">
      <span>{label}</span>
      <input
        type="file"
        accept={accept}
        disabled={disabled}
        onChange={(event) => {
          const input = event.currentTarget;
          const file = input.files?.[0];
          input.value = ""; // else browsers do not tell of the same file again
          if (file) onFile(file);
        }}
      />
    </label>
  );
}
