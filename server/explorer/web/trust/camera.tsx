/** The camera, until it sees a QR code. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { textInFrame } from "./qr";

const PAUSE = 200; // ms between frames

/** The picture of the camera. Pictures stay in the browser. */
export function Camera(props: { onText: (text: string) => void; onFailure: (text: string) => void }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    let stream: MediaStream | undefined;
    let isShown = true;
    const watch = async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch {
        if (isShown) props.onFailure("the camera cannot be used: there is none, or the browser does not permit it");
        return;
      }
      const element = video.current;
      if (!isShown || !element) return stop();
      element.srcObject = stream;
      await element.play().catch(() => undefined);
      while (isShown) {
        const text = await textInFrame(element, element.videoWidth, element.videoHeight);
        if (text !== undefined && isShown) return props.onText(text);
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    };
    const stop = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    void watch();
    return () => {
      isShown = false;
      stop();
    };
  }, []);
  return (
    <p>
      <video ref={video} class="trust-camera" muted playsInline aria-label="What the camera sees" />
    </p>
  );
}
