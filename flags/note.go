package flags

import "fmt"

// note keeps the last error, and logs it when it changes.
func (c *Client) note(f *feed, op string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := f.err
	if err != nil {
		err = fmt.Errorf("flags: %s %s: %w", op, f.name, err)
	}
	f.err = err
	if said(err) == said(was) {
		return
	}
	if err == nil {
		c.logger().Info("flags: works again", "from", f.name)
	} else {
		c.logger().Warn("flags: what is in force stays", "from", f.name, "version", c.view.Load().version, "err", err)
	}
	c.announce()
}

// said is the text of an error: two that say the same are the same news.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
