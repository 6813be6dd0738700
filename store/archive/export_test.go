package archive

import "github.com/touchmark/touchmark/enroll"

// Forget has an archive read every file anew.
func (a *Archive) Forget() {
	a.tails = newCache[string, *tail](rememberedFrames)
	a.frames = newCache[place, []enroll.Item](rememberedBytes)
}
