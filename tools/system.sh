#!/usr/bin/env bash
# usage: tools/system.sh [font] [chromium]: say in one line what system package is missing; never fails
for need in "$@"; do
  case $need in
    font)
      command -v fc-list >/dev/null && fc-list :lang=zh family 2>/dev/null | grep -q . ||
        echo "note: no Chinese font found; Chinese labels will be boxes. Install the package fonts-noto-cjk." >&2
      ;;
    chromium)
      command -v chromium >/dev/null ||
        echo "note: no Chromium found; tests of the pages are skipped. Install the package chromium." >&2
      ;;
  esac
done
exit 0
