/** Commands that check who made the timestamp in a bundle, which no page can. */
import type { JSX } from "preact";
import { Command } from "./copy";

/** The commands, for the files of a bundle: as in the instructions that are in each (server/notary/bundle.py). */
export function TimestampCommands(): JSX.Element {
  return (
    <>
      <Command text="head -n 3 checkpoint > signed-text" />
      <Command text="openssl ts -verify -data signed-text -in timestamp.tsr -CAfile certificates.pem" />
    </>
  );
}
