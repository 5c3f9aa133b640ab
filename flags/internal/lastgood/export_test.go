package lastgood

// Decode is what Load does with the bytes of a file.
func Decode(content []byte) (Doc, error) { return decode(content) }
