//go:build !unix

package shutdown_test

func filesChild() {}
